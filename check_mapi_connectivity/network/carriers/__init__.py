"""Two ways to carry a request, one of which a transport takes; nobody else knows which.

`plain` speaks HTTP itself, over the sockets of a Route, and is what most runs need. `by_requests`
has requests speak it. Both are given a `request.Request` and give the same for the same bytes.
"""
