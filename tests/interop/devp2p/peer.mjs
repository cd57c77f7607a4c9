// An RLPx peer made of @ethereumjs/devp2p, for tests/interop_devp2p.rs.
//
//   node peer.mjs listen <secret key>                       waits to be dialled
//   node peer.mjs dial <secret key> <node id> <port>        dials 127.0.0.1
//
// Writes one JSON object a line for everything that happens. It offers rsk/62 with nine message codes, so that
// they are 0x10 to 0x18 as rskj has them, and sends every message of that protocol back as it came.
//
// The package always says p2p version 5 in its Hello. It compresses what it sends, and expects compression,
// only if the version in the Hello it received is 5 or more. Ours says 4, and everything stays plain, or 5, and
// everything after it is compressed.
import { Common, Mainnet } from '@ethereumjs/common'
import { RLPx } from '@ethereumjs/devp2p'
// What that package compresses with. It leaves the messages of a protocol to whoever implements the protocol.
import snappy from 'snappyjs'

const tell = (event) => process.stdout.write(JSON.stringify(event) + '\n')
const hex = (bytes) => Buffer.from(bytes).toString('hex')
const unhex = (text) => Uint8Array.from(Buffer.from(text, 'hex'))

class Rsk {
  constructor(version, peer, send) {
    this.peer = peer
    this.send = send
  }
  // Its payload has been decompressed by the package.
  _handleMessage(code, payload) {
    tell({ event: 'message', code, payload: hex(payload) })
    const compressed = this.peer._hello.protocolVersion >= 5
    this.send(code, compressed ? snappy.compress(payload) : payload)
  }
}

const [mode, key, remoteId, remotePort] = process.argv.slice(2)
const rlpx = new RLPx(unhex(key), {
  clientId: Buffer.from('interop/devp2p'),
  capabilities: [{ name: 'rsk', version: 62, length: 9, constructor: Rsk }],
  common: new Common({ chain: Mainnet }),
  listenPort: null,
})

rlpx.events.on('peer:added', (peer) => {
  const { protocolVersion, clientId, capabilities, id } = peer._hello
  const offered = capabilities.map(({ name, version }) => `${name}/${version}`)
  // Seen from inside: what it does on a Ping and on the Pong to its own.
  for (const name of ['_handlePing', '_handlePong']) {
    const handle = peer[name].bind(peer)
    peer[name] = () => {
      tell({ event: name === '_handlePing' ? 'ping' : 'pong' })
      handle()
    }
  }
  tell({ event: 'connected', protocolVersion, clientId, capabilities: offered, id: hex(id) })
  // The package pings every 15 seconds; here at once.
  peer._sendPing()
})
rlpx.events.on('peer:removed', (_peer, reason, byUs) => {
  tell({ event: 'disconnected', reason, byUs })
  process.exit(0)
})
rlpx.events.on('peer:error', (_peer, error) => {
  tell({ event: 'error', error: String(error) })
  process.exit(1)
})

if (mode === 'listen') {
  rlpx.listen(0, '127.0.0.1')
  rlpx.events.on('listening', () => tell({ event: 'listening', port: rlpx._server.address().port }))
} else {
  rlpx
    .connect({ id: unhex(remoteId), address: '127.0.0.1', tcpPort: Number(remotePort) })
    .catch((error) => {
      tell({ event: 'error', error: String(error) })
      process.exit(1)
    })
}
// Whoever started this goes away without a word: so does this.
process.stdin.on('end', () => process.exit(2)).resume()
