"""libvirt's XML, from text to typed objects and back.

Everything here is pure: no connection, no file, no network. Text that comes from a host or from a
user is parsed without DTDs and entities, and a tree is edited in place, so that elements,
attributes and comments that nothing here knows of survive every edit.
"""
