"""What goes over the wire: requests, which are strict, and answers, which only ever grow."""
