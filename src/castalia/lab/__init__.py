"""Hosts in namespaces on this machine, each with a libvirtd of its own."""
