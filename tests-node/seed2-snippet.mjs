import { io } from 'socket.io-client';

const socket = io('http://localhost:3000', {
  transports: ['websocket'],
  autoConnect: true,
});

// Join a room
socket.emit('join-room', 'room-1');

// Listen for new messages
socket.on('new-message', (data) => {
  console.log(`New message from ${data.userId}: ${data.message}`);
});

// Send a message
socket.emit('send-message', {
  room: 'room-1',
  message: 'Hello everyone!',
});

// Leave a room
socket.emit('leave-room', 'room-1');
