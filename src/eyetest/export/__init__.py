"""The result of a gate for others to read: CI systems, code hosts, people. One format a file."""
