import { readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const dist = fileURLToPath(new URL('./dist', import.meta.url));

// dist/.gitkeep lets `go build` embed the folder before the interface was ever built, so the folder is emptied by hand around it.
function emptyDist(): Plugin {
  return {
    name: 'empty-dist',
    apply: 'build',
    buildStart() {
      for (const name of readdirSync(dist)) {
        if (name !== '.gitkeep') rmSync(`${dist}/${name}`, { recursive: true });
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), emptyDist()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  server: { proxy: { '/api': process.env.POSTRIDER_URL ?? 'http://127.0.0.1:8080' } },
  build: {
    target: 'es2022',
    emptyOutDir: false,
    // The server's Content-Security-Policy allows no data: fonts, so nothing is inlined.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 800,
  },
});
