npx http-server /srv/www --port 8000
