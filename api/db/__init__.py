"""The records: tables, migrations, and the store that activities write through."""
