"""What crosses between engine, data planes and daemon: frozen values only.

events  what happened: given to ``Engine.handle``
effects what to do about it: returned by ``Engine.handle``, performed in order by the daemon
specs   what a data plane installs (SaSpec, PolicySpec)
reports what a data plane tells (Acquire, Expired, Usage, ...): events too
notices what to tell people (log lines, state changes): effects too
snapshot what status shows
"""
