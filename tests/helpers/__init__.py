"""What several test files share: made-up data, toy networks and recognisers, servers and pages to drive."""
