"""The SFTP door: who may come in, what they see, and what they may do there."""
