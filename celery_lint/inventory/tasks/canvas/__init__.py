"""What tasks are composed to: chains, groups, chords and links."""
