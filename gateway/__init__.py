"""The CMS information gateway: five stories, and the floors they stand on (docs/architecture.md)."""
