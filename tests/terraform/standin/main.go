// A stand-in for the official ClickHouse provider, to try tests/terraform where that cannot be had: the schema of its
// resource and its calls as far as they are written down. That the suite passes with it says something about the suite
// and nothing about the provider; `make test-terraform` never uses it.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

type prov struct{}

func (prov) Metadata(_ context.Context, _ provider.MetadataRequest, r *provider.MetadataResponse) {
	r.TypeName = "clickhouse"
}
func (prov) Schema(_ context.Context, _ provider.SchemaRequest, r *provider.SchemaResponse) {
	a := map[string]schema.Attribute{}
	for _, n := range []string{"api_url", "organization_id", "token_key", "token_secret"} {
		a[n] = schema.StringAttribute{Optional: true, Sensitive: n == "token_secret"}
	}
	r.Schema = schema.Schema{Attributes: a}
}
func (prov) Configure(ctx context.Context, q provider.ConfigureRequest, r *provider.ConfigureResponse) {
	get := func(n string) string {
		var s types.String
		r.Diagnostics.Append(q.Config.GetAttribute(ctx, path.Root(n), &s)...)
		return s.ValueString()
	}
	r.ResourceData = &client{get("api_url"), get("organization_id"), get("token_key"), get("token_secret")}
}
func (prov) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{func() resource.Resource { return &pipe{} }}
}
func (prov) DataSources(context.Context) []func() datasource.DataSource { return nil }

type pipe struct{ c *client }

func (p *pipe) Metadata(_ context.Context, _ resource.MetadataRequest, r *resource.MetadataResponse) {
	r.TypeName = "clickhouse_clickpipe"
}
func (p *pipe) Configure(_ context.Context, q resource.ConfigureRequest, _ *resource.ConfigureResponse) {
	if q.ProviderData != nil {
		p.c = q.ProviderData.(*client)
	}
}

func main() {
	err := providerserver.Serve(context.Background(), func() provider.Provider { return prov{} },
		providerserver.ServeOpts{Address: "provider.test/clickhouse/clickhouse"})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
