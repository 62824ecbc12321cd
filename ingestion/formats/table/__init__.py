"""Tables whose form the contract declares (`core/table_forms.py`)."""
