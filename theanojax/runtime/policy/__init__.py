"""What to do when XLA's answer is not worth its price, or not to be had."""
