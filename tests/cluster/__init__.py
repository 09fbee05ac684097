"""Test the cluster of deploy/cluster: failures of its parts under load."""
