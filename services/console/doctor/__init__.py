"""`linli doctor`: looks at what Linli stands on and says what is wrong and what to do about it."""
