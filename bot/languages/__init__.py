"""Which languages people are spoken to in, and who checked them (locales/languages.yaml)."""
