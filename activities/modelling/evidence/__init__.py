"""What a candidate shows on rows that were held out."""
