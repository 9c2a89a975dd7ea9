"""Face recognition with convolutional networks that you can see through."""
