"""The published client: how an organisation sends, and how a consumer asks and collects."""
