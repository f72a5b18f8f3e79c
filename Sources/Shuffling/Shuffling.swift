// Shuffling
