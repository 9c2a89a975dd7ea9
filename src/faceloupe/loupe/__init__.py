"""The loupe, the instrument in a page that computes with networks: its data as plain values."""
