"""What blocks of coded links share."""
