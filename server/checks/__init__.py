"""What `check` looks at before a school relies on a server: each module has one part, and changes nothing."""
