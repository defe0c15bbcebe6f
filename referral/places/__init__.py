"""The dated table of Viet Nam's units, old names to new, and the finding of them in what people write. Pure."""
