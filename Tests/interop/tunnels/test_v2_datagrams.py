"""UDP in tunnels of version 2: what version 1 carries, and whom an association hears."""
from helpers.peers import agent
from helpers.peers.datagrams import udp_socket
from helpers.version2 import PEER, Version2Pair
from helpers.waiting import eventually
from tunnels.test_udp import OTHER_HOST, Carriage, Names


class Datagrams(Carriage, Names):
    def setUp(self):
        super().setUp()
        self.between = self.forwarder(self.wstan_server)
        self.wstan_client = self.client(self.between)

    def test_strangers(self):
        """A host that was sent nothing is not heard; one that was is, from any port."""
        association = self.association()
        self.assertEqual(association.ask(b'hello', *self.echo.address)[0], b'hello')
        exit = self.echo.received[0][1]
        self.keep(udp_socket(OTHER_HOST)).sendto(b'from a stranger', exit)
        self.assertEqual(association.ask(b'still here', *self.echo.address)[0], b'still here')
        friend = self.keep(udp_socket('127.0.0.1'))
        friend.sendto(b'from another port', exit)
        self.assertEqual(association.receive(), (b'from another port', friend.getsockname()))

    def test_order(self):
        """A burst of datagrams arrives in its order, each whole; those that share a record too."""
        association = self.association()
        sent = [b'%d of a burst ' % number * (number % 7 * 20 + 1) for number in range(40)]
        for data in sent:
            association.send(data, *self.echo.address)
        self.assertEqual([association.receive()[0] for _ in sent], sent)

    def test_end_of_an_association(self):
        """An association that has ended frees its tunnel for the next one, and for a connection."""
        for _ in range(3):
            association = self.association()
            self.assertEqual(association.ask(b'hello', *self.echo.address)[0], b'hello')
            association.close()
            self.between.settle()
        target = self.target()
        with agent.socks5(self.wstan_client.port, '127.0.0.1', target.port) as s:
            s.sendall(b'echo\n')
            self.assertTrue(agent.echoes(s, b'a stream'))
        self.assertEqual(len(self.between.links), 1)


class OurAssociations(Datagrams):
    def test_tunnel_cut(self):
        """When its tunnel is cut, an association opens another with its next datagram."""
        association = self.association()
        for how in 'close', 'reset':
            self.assertEqual(association.ask(b'hello', *self.echo.address)[0], b'hello')
            self.between.cut(how)
            eventually(lambda: association.answers(how.encode(), *self.echo.address), 'the association works again')


class OurPair(OurAssociations, Version2Pair):
    def test_empty(self):
        """An empty datagram is one."""
        self.assertEqual(self.association().ask(b'', *self.echo.address), (b'', self.echo.address))


class OurClientPeerServer(OurAssociations, Version2Pair):
    SERVER = PEER


class PeerClientOurServer(Datagrams, Version2Pair):
    CLIENT = PEER


class PairOfPeers(Datagrams, Version2Pair):
    CLIENT = SERVER = PEER
