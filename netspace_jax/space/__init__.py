"""NetSpace: encoder, decoder, loss, training, and the trained space as one value."""
