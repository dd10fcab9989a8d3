/** Puts the console into the page. */

import { render } from 'solid-js/web';
import { App } from './app.tsx';
import './style.css';

const root = document.getElementById('root');
if (root !== null) render(() => <App />, root);
