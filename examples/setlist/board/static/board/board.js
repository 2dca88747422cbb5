// Shows votes as they come. After each end of the websocket, such as a new release, it comes back after a moment.
const lost = document.getElementById("lost");

function show(votes) {
  for (const [song, count] of Object.entries(votes)) {
    const line = document.querySelector(`[data-song="${song}"] b`);
    if (line) line.textContent = count;
  }
  const list = document.querySelector("ol");
  const count = (line) => Number(line.querySelector("b").textContent);
  list.append(...[...list.children].sort((one, other) => count(other) - count(one)));
}

function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/votes`);
  socket.onopen = () => { lost.hidden = true; };
  socket.onmessage = (event) => show(JSON.parse(event.data));
  socket.onclose = () => {
    lost.hidden = false;
    setTimeout(connect, 500 + 1000 * Math.random());
  };
}

connect();
