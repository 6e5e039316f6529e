"""The two sides that the harness plays, each in both eras. They send, wait and answer; they judge nothing."""
