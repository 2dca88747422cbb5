// Shows deliveries as they happen. After each end of the websocket, such as a new release, it comes back after a moment.
function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/deliveries`);
  socket.onmessage = (event) => {
    const state = document.querySelector(`[data-letter="${event.data}"] i`);
    if (state) state.textContent = "delivered";
  };
  socket.onclose = () => setTimeout(connect, 500 + 1000 * Math.random());
}

connect();
