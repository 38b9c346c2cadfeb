// A shot of the camera. Browsers lend it to pages of TLS and of this machine; a phone's own camera
// app is asked otherwise.

import { h, unique } from './dom.js';

const shotOf = (video) => new Promise((done) => {
  const canvas = h('canvas', { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext('2d').drawImage(video, 0, 0);
  canvas.toBlob((blob) => done(new File([blob], 'photo.jpg', { type: 'image/jpeg' })), 'image/jpeg', 0.92);
});

function live(taken) {
  const video = h('video', { playsinline: true, muted: true, autoplay: true, 'aria-label': 'What the camera sees' });
  const told = h('p', { role: 'status' }, 'The browser asks whether it may use the camera.');
  const shoot = h('button', { type: 'button', class: 'primary', disabled: true, onclick: async () => {
    taken(await shotOf(video));
    dialog.close();
  } }, 'Take it');
  const dialog = h('dialog', { class: 'camera', 'aria-label': 'Camera' }, video, told,
    h('div', { class: 'actions' }, h('button', { type: 'button', onclick: () => dialog.close() }, 'Close'), shoot));
  let stream = null;
  dialog.addEventListener('close', () => {
    stream?.getTracks().forEach((track) => track.stop());
    dialog.remove();
  });
  document.body.append(dialog);
  dialog.showModal();
  navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } }).then((found) => {
    stream = found;
    if (!dialog.isConnected) {
      found.getTracks().forEach((track) => track.stop());
      return;
    }
    video.srcObject = found;
    video.addEventListener('playing', () => {
      told.hidden = true;
      shoot.disabled = false;
      shoot.focus();
    });
  }).catch((error) => {
    told.textContent = error.name === 'NotAllowedError'
      ? 'The browser does not lend the camera: allow it for this page, and try again.'
      : 'There is no camera that the browser can use.';
  });
}

export function cameraButton(taken) {
  if (navigator.mediaDevices?.getUserMedia) return h('button', { type: 'button', onclick: () => live(taken) }, 'Use the camera');
  const picker = h('input', { type: 'file', accept: 'image/*', capture: 'environment', id: unique('camera'), class: 'unseen', onchange: () => taken(picker.files[0]) });
  return h('span', {}, h('label', { htmlFor: picker.id, class: 'button' }, 'Use the camera'), picker);
}
