"""The teams that receive: each uses the public feed and nothing else of ours.

`tracing` says where somebody is, `calculation` what is to be paid, `enforcement` what was not. Each
collects its feed into an inbox of its own and makes proposals with reasons for an officer; none acts.
A team can adopt them, or replace them: they import `gateway.client` alone.
"""
