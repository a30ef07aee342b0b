"""The one configuration model that every dialect (ipsec.conf, swanctl.conf, vici) becomes."""
