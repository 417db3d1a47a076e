"""YAML and JSON as text: values that know where they stand in it, and changes that leave every other byte alone."""
