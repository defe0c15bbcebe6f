"""The pages: the citizens' chat and the officers' console."""
