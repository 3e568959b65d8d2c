"""What people import: contracts, authoring, client and command line."""
