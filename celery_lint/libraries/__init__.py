"""What other packages call their things."""
