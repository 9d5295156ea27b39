"""
Where mail goes: reception, routing, local delivery, the queue.
"""
