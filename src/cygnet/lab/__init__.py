"""Small networks of namespaces on one Linux machine: for playing, for the demo and for tests.

host      a host: network, mount, process and name namespaces of its own, held by one process
cable     what connects two hosts: a veth pair, or a wire with a delay
wire      the delay, as a program over two TUN devices (kernels without netem)
nat       1:1 and many-to-one NAT by nftables
lab       hosts and cables together, and their removal
topology  the networks that are used here, each drawn
oregon    the tunnel of the demo: its two configurations
keep      a lab that outlives the command that built it: up, down, shell
demo      the oregon tunnel in its four auto modes
command   the ``cygnet lab`` and ``cygnet demo`` command lines
"""
