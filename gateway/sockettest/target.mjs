// The target's end of the test of tunnels: the path says what it does. It prints
// its port, and ends with its input.
import http from 'node:http'
import { WebSocketServer } from 'ws'

const closed = {} // by the caller's name: the code and reason that came

const server = http.createServer((request, answer) => answer.end(JSON.stringify(closed)))
const sockets = new WebSocketServer({
  server,
  perMessageDeflate: { threshold: 0 },
  maxPayload: 64 << 20,
  handleProtocols: (offered) => (offered.has('superchat') ? 'superchat' : false),
})

const does = {
  echo: (socket) => socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })),
  close: (socket) => socket.on('message', (code) => socket.close(Number(code), `reason ${code}`)),
  terminate: (socket) => socket.on('message', () => socket.terminate()),
  ping: (socket) => {
    socket.on('pong', (data) => socket.send(`pong ${data}`))
    socket.ping('from the target')
  },
  fragments: (socket) => {
    for (let part = 0; part < 100; part++) socket.send(`${part},`, { fin: part === 99 })
  },
}

sockets.on('connection', (socket, request) => {
  const at = new URL(request.url, 'http://target')
  socket.on('close', (code, reason) => (closed[at.searchParams.get('name')] = `${code} ${reason}`))
  socket.on('error', () => {}) // the close tells
  does[at.pathname.slice(1)](socket)
})

server.listen(0, '127.0.0.1', () => console.log('listening', server.address().port))
process.stdin.on('end', () => process.exit()).resume()
