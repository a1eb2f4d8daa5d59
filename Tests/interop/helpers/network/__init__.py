"""What is between client, server and target: forwarders, proxies, reverse proxies, name servers, networks."""
