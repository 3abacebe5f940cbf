"""The whole story, told step by step on a gateway of its own."""
