"""Understanding what people write: pure functions over word lists that are data (`lexicon/*.yaml`)."""
