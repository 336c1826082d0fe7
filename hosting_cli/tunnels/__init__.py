"""The other end of tunnels: what an establishment's firewall team is sent.

Do:

- say the same in both languages, from one file of words and one set of values
- take what is negotiated from `deploys.swanctl`, where gateways take it from

Do not:

- read engines, or write files: commands do
- show one establishment what is another's
"""
