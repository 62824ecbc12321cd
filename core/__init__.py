"""What every other package knows: settings, errors, contracts and their vocabulary, reference lists."""
