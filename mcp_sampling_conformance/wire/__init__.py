"""The wire: what crosses is sent and recorded as it is; nothing is repaired, validated or hidden."""
