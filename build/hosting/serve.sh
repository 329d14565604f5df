npx serve --listen 8000 /srv/www
