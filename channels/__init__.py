"""The real-time engine; it knows nothing of pages.

Ten packages in floors, each of which imports only what stands below it:

    errors, event, field, limit, member <- wire <- sessions <- journal, broker <- topics <- cluster <- lesson <- engine
        <- transports <- roles
"""
