-- What all tenants together ask of the platform's providers, for app.platform_usage.
CREATE POLICY "lookup" ON "usage_events" AS PERMISSIVE FOR SELECT TO "stipend_lookup" USING (true);
