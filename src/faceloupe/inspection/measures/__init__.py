"""What can be measured on the layers of a network: each file asks one question."""
